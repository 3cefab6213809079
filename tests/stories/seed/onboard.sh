#!/bin/bash
# Usage: ./onboard.sh "Alice Chen"

NAME="$1"

echo "Creating workspace token for $NAME..."
TOKEN=$(aerostack workspace token create engineering --name "$NAME" --output token)

echo ""
echo "=== Setup Instructions for $NAME ==="
echo ""
echo "1. Add this to your editor MCP config (Cursor, Claude Desktop, VS Code):"
echo "   Gateway URL: https://gateway.aerostack.dev/ws/engineering/sse"
echo "   Authorization: Bearer $TOKEN"
echo ""
echo "2. Restart your editor. The following tools are available:"
aerostack mcp list --workspace engineering --tools-only
echo ""
echo "3. Ask your AI assistant to try: List my open GitHub pull requests"
