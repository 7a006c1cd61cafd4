"""What other tools read: training data, their configurations, tasks of lm-eval, exports."""
