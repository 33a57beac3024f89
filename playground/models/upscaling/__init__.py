"""Networks that make pictures larger: second stages of a cascade.  They have no tab: every colour picture of the window goes through one."""
