# As an instance has it before anybody changes anything. The rest is on the command line.
# ruff: noqa: F821, I002
c = get_config()
c.ServerApp.ip = "localhost"
c.ServerApp.port = 8443
c.ServerApp.open_browser = False
c.ServerApp.allow_remote_access = True  # a browser knows it by the name that AWS gives it
