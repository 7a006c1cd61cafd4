"""The model on this machine: loading, the engine that generates and weighs, further processes."""
