"""What a record says of a sentence, and how its numbers are worded; nothing here knows a page."""
