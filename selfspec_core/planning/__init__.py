"""What a run would take: its work, what the pieces cost here, and on hardware that is not there."""
