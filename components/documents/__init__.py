"""Systems Manager documents that converge to the desired content, whatever other principals change."""
