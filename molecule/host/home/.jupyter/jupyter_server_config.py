# As an instance has it before anybody changes anything.
# ruff: noqa: F821, I002
c = get_config()
c.ServerApp.ip = "localhost"
c.ServerApp.port = 8443
c.ServerApp.port_retries = 0
c.ServerApp.certfile = "/etc/jupyter/certificate.pem"
c.ServerApp.keyfile = "/etc/jupyter/key.pem"
c.ServerApp.open_browser = False
c.ServerApp.root_dir = "/home/ec2-user/SageMaker"
c.IdentityProvider.token = ""
c.ServerApp.kernel_spec_manager_class = "environment_kernels.EnvironmentKernelSpecManager"
c.EnvironmentKernelSpecManager.conda_env_dirs = ["/home/ec2-user/anaconda3/envs"]
c.EnvironmentKernelSpecManager.use_conda_directly = False
