"""A service desk for the command line: tickets, deadlines, mail and reports over one database."""

__version__ = "0.1.0"
