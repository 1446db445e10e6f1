"""Local AWS, and the tools that start it. Deployed code never imports from here."""
