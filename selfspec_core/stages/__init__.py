"""The stages of a round, each of which reads the journal the one before it wrote.

In the order in which they run:

    collect      propose and answer, in passes, until there are the examples wanted
      propose      instructions, in waves
      answer       responses; what filters, quotas and firewall leave is an example
      probe        an adapter in mid-way, by which filters judge, if one asks for it
    specialize   tunes the specialist, and later the controls
    prefer       pairs of own answers, and a tuning on them, if set
    develop      dev items: the base's layout, the round's system, its gain
    generic      the control on general seeds, for the round that was kept
    evaluate     test items, for the round that was kept; scores.json
      collateral   items of other fields
      baselines    other models

Beside them what several of them use: `chain` (filters in a row), `quotas` (shares of tasks),
`distract` and `replay` (what stands in training rows), `tuning` (making one adapter, once),
`asking` (a system answers a set, once), `systems` and `names` (what is compared), `summary` (the
funnel).
"""
