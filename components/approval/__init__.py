"""Session approval (separation of duties): a session needs the approval of another person."""
