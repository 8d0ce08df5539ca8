"""What a notice is, which events deserve one, how it is worded, and when a mail is tried again."""
