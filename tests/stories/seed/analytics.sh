# All usage for a workspace in the last 7 days
aerostack analytics --workspace engineering --period 7d

# Filter by user
aerostack analytics --workspace engineering --user "Alice Chen" --period 30d

# Filter by MCP server
aerostack analytics --workspace engineering --server github-mcp --period 7d

# Export as CSV
aerostack analytics --workspace engineering --period 30d --format csv > usage-report.csv
