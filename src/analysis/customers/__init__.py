"""Who the customers are and how they can grow."""
