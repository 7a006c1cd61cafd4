"""What a run leaves for people to read: report.html, and the cards of its adapters and its data."""
