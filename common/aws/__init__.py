"""AWS: sessions, answers and errors."""
