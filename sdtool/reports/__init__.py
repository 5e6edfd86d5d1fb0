"""Reports: SQL to values to templates; read only."""
