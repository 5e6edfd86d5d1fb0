"""The cron file and the systemd timers, as package data."""
