"""The databases and roles of a district: one database a service, nobody else can connect to it."""
