"""Entry of the agent of this machine, which starts its ranks: torch.distributed.run, which ends when its stdin closes."""

import sys

from .lifetime import end_with_stdin

if __name__ == "__main__":
    # Before PyTorch is imported, and while agents of other machines are waited for.
    end_with_stdin()
    from torch.distributed.run import main

    main(sys.argv[1:])
