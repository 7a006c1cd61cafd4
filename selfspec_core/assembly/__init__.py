"""From what was asked to the parts of a run: settings, models, seeds, filters, opponents."""
