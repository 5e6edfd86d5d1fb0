"""Messages: composing, queueing, delivering."""
