"""Domain knowledge: files become passages, found by words and by vectors."""
