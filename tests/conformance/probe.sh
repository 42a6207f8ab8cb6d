#!/bin/bash
# The on-start script of a conformance run: reports what an instance is like. It changes nothing but itself.
# The report is in the log of this script and, for Jupyter to show, on the volume; docs/conformance.md has what is asked.
printf '%s\n' "$PWD" "$PATH" >/run/conformance-env
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cat >/usr/local/bin/conformance-probe <<'PROBE'
import glob, json, os, pathlib, pwd, shutil, ssl, subprocess, sys, time, urllib.request
HOME = "/home/ec2-user"
VOLUME = pathlib.Path(HOME, "SageMaker")
METADATA = pathlib.Path("/opt/ml/metadata/resource-metadata.json")
MARKS = [pathlib.Path(each, ".conformance") for each in ("/etc", HOME, VOLUME)]
COMMANDS = "aws chown curl dnf flock git install mount mount.nfs4 mount.efs python3 runuser setsid sudo systemctl systemd-run tail timeout crond".split()
PATHS = os.environ["PATH"] + f":{HOME}/anaconda3/bin"

def say(*command, seconds=60):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        return (done.stdout or done.stderr).strip()[-600:] if done.returncode == 0 else f"{done.returncode}: {done.stderr.strip()[-300:]}"
    except Exception as error:
        return repr(error)

def read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ""

def early(which):
    directory, path = read("/run/conformance-env").split("\n")
    marks = [str(mark.parent) for mark in MARKS if mark.exists()]
    for mark in MARKS:
        mark.touch()
    stop = read(VOLUME / "conformance-stop.log").split()
    return {
        "user": pwd.getpwuid(os.getuid()).pw_name, "directory": directory, "path": path, "kept": marks,
        "metadata": sorted(json.loads(read(METADATA) or "{}")),
        "commands": {each: shutil.which(each, path=PATHS) or "" for each in COMMANDS},
        "python": list(sys.version_info[:2]), "pid1": read("/proc/1/comm"),
        "selinux": say("getenforce"), "cron": say("systemctl", "is-active", "crond"),
        "volume": {"owner": VOLUME.owner(), "mounted": f" {VOLUME} " in read("/proc/mounts"), "has": sorted(os.listdir(VOLUME))[:9]},
        "sudo": say("runuser", "-u", "ec2-user", "--", "sudo", "-n", "id", "-un"),
        "conda": [each for each in ("python3", "JupyterSystemEnv") if os.path.isdir(f"{HOME}/anaconda3/envs/{each}")],
        "managers": sorted({each.split("/")[-1] for name in ("nb_conda_kernels", "environment_kernels")
                            for each in glob.glob(f"{HOME}/anaconda3/envs/*/lib/python3*/site-packages/{name}")}),
        "stop": len(stop), "stop_began": bool(stop),
    }

def jupyter():
    tls = ssl._create_unverified_context()
    for _ in range(100):
        try:
            with urllib.request.urlopen("https://localhost:8443/api/status?no_track_activity=1", timeout=5, context=tls) as answer:
                return sorted(json.loads(answer.read()))
        except Exception as error:
            last = repr(error)
            time.sleep(1)
    return [last]

def late(which):
    answer = jupyter()
    groups = {}
    for directory in glob.glob("/proc/[0-9]*"):
        words = read(directory + "/cmdline").replace("\0", " ")
        if "jupyter" in words and "lab" in words + "server" and "conformance" not in words:
            groups[read(directory + "/comm")] = read(directory + "/cgroup")[-120:]
    metadata = json.loads(read(METADATA) or "{}")
    arn, name = metadata.get("ResourceArn", ":::"), metadata.get("ResourceName", "")
    aws = ["runuser", "-u", "ec2-user", "--", "env", f"PATH={PATHS}", "aws", "--region", arn.split(":")[3], "--output", "text"]
    stream = ["--log-group-name", "/aws/sagemaker/NotebookInstances", "--log-stream-name", f"{name}/conformance"]
    say(*aws, "logs", "create-log-stream", *stream)
    event = json.dumps([{"timestamp": int(time.time() * 1000), "message": "a line of the instance's own"}])
    return {
        "status": answer, "groups": groups, "service": say("systemctl", "is-active", "jupyter-server"),
        "identity": say(*aws, "sts", "get-caller-identity", "--query", "Arn").split("/")[-1],
        "tags": say(*aws, "sagemaker", "list-tags", "--resource-arn", arn, "--query", "length(Tags)"),
        "put": say(*aws, "logs", "put-log-events", *stream, "--log-events", event),
        "config_path": say("bash", "-c", f"PATH={HOME}/anaconda3/envs/JupyterSystemEnv/bin:$PATH jupyter --paths"),
    }

which, part = sys.argv[1:]
report = {"early": early, "late": late}[part](which)
name = f"conformance-{which}-{part}"
file = VOLUME / f"{name}.json"
file.with_suffix(".new").write_text(json.dumps(report))
shutil.chown(file.with_suffix(".new"), "ec2-user")
file.with_suffix(".new").replace(file)
print(name, json.dumps(report), flush=True)
PROBE
volume=/home/ec2-user/SageMaker
which=first
[ ! -e $volume/conformance-first-early.json ] || which=second
timeout 120 python3 -I /usr/local/bin/conformance-probe $which early
rm -f $volume/conformance-stop.log
# Outlives this script, as what the platform installs does.
systemd-run --quiet --unit=conformance-late python3 -I /usr/local/bin/conformance-probe $which late
# Counts the seconds that a stop leaves it.
cat >/usr/local/bin/conformance-stop <<'STOP'
#!/bin/bash
for second in {1..45}; do
  echo "$second" >>/home/ec2-user/SageMaker/conformance-stop.log
  sync /home/ec2-user/SageMaker/conformance-stop.log
  sleep 1
done
STOP
chmod 755 /usr/local/bin/conformance-stop
systemd-run --quiet --unit=conformance-stop --property=Type=oneshot --property=RemainAfterExit=yes \
  --property=TimeoutStopSec=60 --property=ExecStop=/usr/local/bin/conformance-stop --property="RequiresMountsFor=$volume" true
exit 0
