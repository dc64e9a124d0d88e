"""The PyTorch side of the benchmark: one task in one process, so that its peak memory is the task's own.

Speaks one JSON object a line on stdin and stdout:
  {"do": "prepare", "task": "lora_step", "threads": 2, "device": "cpu", "variant": {"dtype": "bfloat16", "compile": true}, "input": {...}}
                                    -> {"seconds": 1.9, "peakBytes": ..., "versions": "PyTorch 2.15.0, ..."}
  {"do": "run"}                     -> {"seconds": 1.7, "result": ..., "peakBytes": ...}
  {"do": "close"}                   ends the process
A failure answers {"error": "..."}.
"""

import json
import os
import resource
import sys
import time

# Whatever a library prints must not land between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import infer
import model
import peft
import torch
import train
import transformers

TASKS = {
    "lora_step": train.lora_step,
    "contrastive_step": train.contrastive_step,
    "score_separately": infer.score_separately,
    "score_one_pass": infer.score_one_pass,
    "generate": infer.generate,
}


def peak_bytes() -> int:
    """The largest resident size of this process so far: Linux counts it in kibibytes, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main():
    prepared = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "close":
            return
        answer = {}
        try:
            start = time.perf_counter()
            if request["do"] == "prepare":
                torch.set_num_threads(request["threads"])
                torch.set_default_device(request["device"])
                torch.manual_seed(0)
                model.VARIANT.update(request["variant"])
                prepared = TASKS[request["task"]](**request["input"])
                answer["versions"] = (
                    f"PyTorch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}"
                )
            else:
                answer["result"] = prepared()
            answer["seconds"] = time.perf_counter() - start
            answer["peakBytes"] = peak_bytes()
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


main()
