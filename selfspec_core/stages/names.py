"""What systems are called, `NAME@SHOTS`; a name of these is free for no other model."""

SPECIALIST, PREFERRED, GENERIC = "specialized", "preferred", "generic"
TUNED = (SPECIALIST, PREFERRED)
"""What a round tunes, in the order in which it does."""

CONTROLS = ("seeds-only", "seeds-only-long", GENERIC)
"""What is tuned without the examples that the run made, in the order of tables."""

SEED_CONTROLS = ("seeds-only@0", "seeds-only-long@0")
"""Tuned on the seeds alone; a claim has to hold against the better of them too."""

MIXTURE = "mixture"
"""What several specialists make together (`selfspec compose`)."""

READS = "+retrieval"
"""Ends the name of a system that is shown passages."""

BASE_NAMES = ("base", "base-best", f"base-best{READS}")
TUNED_NAMES = (SPECIALIST, f"{SPECIALIST}{READS}", PREFERRED)

BASE, BASE_BEST, OURS = "base@0", "base-best@0", f"{SPECIALIST}@0"
BASES = (BASE, BASE_BEST)
"""Nothing tuned, nothing shown: what a specialist has to beat, whichever does better."""
