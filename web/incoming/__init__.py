"""What other systems tell: no pages, only JSON for programs that prove who they are by a token."""
