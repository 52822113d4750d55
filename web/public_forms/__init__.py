"""Forms for people outside, who have no account: the start form of the process that a channel opens to them."""
