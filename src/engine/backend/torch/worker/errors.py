"""What a worker tells its client when it cannot do what was asked."""


class WorkerError(Exception):
    """A person's mistake, or something that a person can mend: what happened, where, and how to fix it."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        #: One of the codes of `src/protocol/errors.ts`.
        self.code = code
