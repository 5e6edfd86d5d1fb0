"""The demonstration: a fictional province with two months of tickets, and an agent's walk through them."""
