"""First-party plugins: the same hooks that a third party uses, one module each."""
