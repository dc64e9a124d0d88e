"""
The worker of the PyTorch backend: a model of transformers that answers requests over a local socket.

A request is one batch, a step of training, or a change of the model; a reply is numbers. Which rows form a batch, what they share,
losses over features, schedules and random numbers are the client's. `methods.py` is the table of what can be asked; `batch.py` says
how rows of tokens become one pass, `attention.py` what each token of it sees, `forward.py` runs it.
"""
