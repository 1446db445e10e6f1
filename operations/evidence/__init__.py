"""Evidence: sessions, their approvals and their logs, joined from the records of AWS."""
