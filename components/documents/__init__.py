"""Systems Manager documents that converge to what is asked for, whatever somebody did to them."""
