import transformers.extra
