"""Services that exist only in the chassis's tests, run as processes of their own."""
