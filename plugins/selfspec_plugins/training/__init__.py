"""Tuning: LoRA on rows and on pairs, packed, checkpointed, on several processes."""
