"""What must not lose or double anything, each really done: processes killed, servers taken away.

After each fault whatever was answered is in the log once, and each read model equals one that is
built afresh. `worker_group` is what is killed, `load` what goes on meanwhile, `own_servers` what is
stopped, and `outcome` what has to be so in the end.
"""
