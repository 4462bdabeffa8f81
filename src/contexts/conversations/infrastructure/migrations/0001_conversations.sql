-- Where the read models of the conversations context make their tables.
create schema conversations;
