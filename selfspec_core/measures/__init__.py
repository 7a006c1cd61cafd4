"""From answers to numbers: parsing, scores, metrics, intervals, several runs as one."""
