# Copyright: Contributors to datalab.notebooks
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What code on instances may do, and on the viewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .asking import (
    ATHENA,
    CONFIG,
    CONFIG_EDITS,
    FILES,
    GLUE,
    INSTANCES,
    LOG_GROUP,
    OWN,
    ROLE,
    SAGEMAKER,
    VIEWER,
    Decision,
    Thing,
    Who,
    files,
    instance_of,
    keys,
    notebook,
    s3,
    stream,
)

# For each team: what it reads, and what it must not read, for different reasons.
FOLDERS = {
    "research": ["acme-data/research", "acme-data/shared"],
    "fraud": ["acme-data/fraud", "acme-cards"],
    "interns": ["acme-data/public"],
}
CLOSED = {
    "research": ["acme-data/fraud", "acme-data/research-secret", "acme-cards", "elsewhere/research"],
    "fraud": ["acme-data/research", "acme-data/fraud-secret", "elsewhere/fraud"],
    "interns": ["acme-data/research", "acme-data/publications", "acme-cards", "elsewhere/public"],
}
DATABASES = {"research": "research", "fraud": "fraud", "interns": "public"}
OTHERS = {"research": "fraud", "fraud": "research", "interns": "research"}


def of_instances() -> Iterator[Decision]:
    """Yield the decisions about code on an instance."""
    for team, who in INSTANCES.items():
        yield from _of_itself(who, team)
        yield from _of_logs(who, team)
        yield from _of_data(who, team)
        yield from _of_queries(who, team)
        yield who.may("writes the shared folder", "elasticfilesystem:ClientWrite", FILES)
        yield from _of_files(who)
    yield INSTANCES["research"].may("stops a teammate's, who has the same role", STOP, OWN["bob"])
    yield INSTANCES["interns"].may("stops a teammate's with a name of its own", STOP, OWN["uma"])
    yield INSTANCES["interns"].may("writes logs of that name", "logs:PutLogEvents", stream("special"))
    yield INSTANCES["interns"].may_not("writes logs of the like", "logs:PutLogEvents", stream("special2"))
    yield INSTANCES["fraud"].may_not("stops a teammate's", STOP, OWN["frank"])
    yield INSTANCES["fraud"].may_not("writes a teammate's logs", "logs:PutLogEvents", stream("datalab-frank"))
    yield INSTANCES["fraud"].may_not("writes logs like its own", "logs:PutLogEvents", stream("datalab-erin2"))
    untagged = instance_of("nobody", "datalab-fraud-x", "datalab-fraud", {"team": "fraud"})
    for name in ("datalab-erin", "${aws:PrincipalTag/instance}"):
        yield untagged.may_not(f"stops {name!r}", STOP, notebook(name))


STOP = "sagemaker:StopNotebookInstance"


def _of_files(who: Who) -> Iterator[Decision]:
    """Yield the decisions of identity policies about the file system; those of its own policy are in file_system.py."""
    yield who.may("mounts the shared folder", "elasticfilesystem:ClientMount", FILES)
    yield who.may_not("is root there", "elasticfilesystem:ClientRootAccess", FILES)
    yield who.may_not("deletes it", "elasticfilesystem:DeleteFileSystem", FILES)
    for action in ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"):
        yield who.may_not("reaches another file system", action, files(**{"datalab:storage": "other"}))
        yield who.may_not("reaches one that only has its name", action, files(Name="datalab"))


def _of_itself(who: Who, team: str) -> Iterator[Decision]:
    own = OWN[who.name.removesuffix("'s instance")]
    for verb in ("DescribeNotebookInstance", "ListTags", "StopNotebookInstance"):
        yield who.may("looks at and stops itself", f"sagemaker:{verb}", own)
        yield who.may_not("does it to another team's", f"sagemaker:{verb}", OWN[{"fraud": "alice"}.get(team, "erin")])
        yield who.may_not("does it to the viewer", f"sagemaker:{verb}", OWN["viewer"])
        yield who.may_not("does it to another platform's", f"sagemaker:{verb}", notebook("other", team=team))
    job = Thing(f"{SAGEMAKER}training-job/x", {"aws:ResourceTag/team": team})
    yield who.may_not("lists tags of a training job", "sagemaker:ListTags", job)
    for verb in ("StartNotebookInstance", "DeleteNotebookInstance", "UpdateNotebookInstance"):
        yield who.may_not("changes itself", f"sagemaker:{verb}", own)
    yield who.may_not("opens itself", "sagemaker:CreatePresignedNotebookInstanceUrl", own)
    for action in ("sagemaker:AddTags", "sagemaker:DeleteTags"):
        yield who.must_not("changes its tags", action, own, context=keys("team"))
        yield who.must_not("changes idle", action, own, context=keys("idle"))
    for edit in CONFIG_EDITS:
        yield who.must_not("edits its scripts", edit, Thing(f"{CONFIG}datalab"))
    yield who.must_not("passes a role", "iam:PassRole", Thing(f"{ROLE}datalab/datalab-{team}"))
    yield who.must_not("gets another role", "sts:AssumeRole", Thing(f"{ROLE}datalab/datalab-fraud-frank"))
    yield who.must_not("gives itself rights", "iam:PutRolePolicy", Thing(f"{ROLE}datalab/datalab-{team}"))


def _of_logs(who: Who, team: str) -> Iterator[Decision]:
    own = OWN[who.name.removesuffix("'s instance")].arn.rpartition("/")[2] if team else "datalab-viewer"
    for action in ("logs:CreateLogGroup", "logs:DescribeLogStreams"):
        for arn in (LOG_GROUP, f"{LOG_GROUP}:*"):
            yield who.may("finds the log group", action, Thing(arn))
        yield who.may_not("finds another log group", action, Thing(LOG_GROUP + "-of-others"))
        yield who.may_not("finds a log group of others", action, Thing(LOG_GROUP.replace("Notebook", "Other")))
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield who.may("writes its log", action, stream(own))
        yield who.may_not("writes logs of another platform", action, stream("other"))
        elsewhere = Thing(LOG_GROUP.replace("NotebookInstances", "Endpoints") + f":log-stream:{own}/x")
        yield who.may_not("writes logs of others", action, elsewhere)
    yield who.may_not("reads logs", "logs:GetLogEvents", stream(own))
    yield who.may_not("deletes the log", "logs:DeleteLogStream", stream(own))


def _of_data(who: Who, team: str) -> Iterator[Decision]:
    for folder in FOLDERS[team]:
        bucket, _, path = folder.partition("/")
        yield who.may(f"reads {folder}", "s3:GetObject", s3(f"{folder}/2026/x.csv"))
        for action in ("s3:PutObject", "s3:DeleteObject"):
            yield who.may_not(f"writes {folder}", action, s3(f"{folder}/x.csv"))
        yield who.may(f"asks where {bucket} is", "s3:GetBucketLocation", s3(bucket))
        yield who.may(f"lists {folder}", "s3:ListBucket", s3(bucket), context=listing(f"{path}/"))
        yield who.may(f"lists below {folder}", "s3:ListBucket", s3(bucket), context=listing(f"{path}/2026/"))
        yield who.may_not(f"lists what {folder} was", "s3:ListBucketVersions", s3(bucket), context=listing(f"{path}/"))
        yield who.may_not("empties the bucket", "s3:DeleteBucket", s3(bucket))
        if path:
            yield who.may_not(f"lists {folder}, and the like", "s3:ListBucket", s3(bucket), context=listing(path))
            yield who.may_not("lists all of the bucket", "s3:ListBucket", s3(bucket))
            yield who.may_not("lists its top", "s3:ListBucket", s3(bucket), context=listing(""))
        else:
            yield who.may("lists all of its own bucket", "s3:ListBucket", s3(bucket))
    for folder in CLOSED[team]:
        bucket, _, path = folder.partition("/")
        yield who.may_not(f"reads {folder}", "s3:GetObject", s3(f"{folder}/x.csv"))
        yield who.may_not(f"lists {folder}", "s3:ListBucket", s3(bucket), context=listing(f"{path}/"))
    yield who.may_not("asks where others are", "s3:GetBucketLocation", s3("elsewhere"))
    yield from _of_results(who, team)
    yield from _of_tools(who)


def _of_tools(who: Who) -> Iterator[Decision]:
    """Yield the decisions about tools: a person who could write there could run code on everybody's instance."""
    tool = s3("acme-tools/0a/report.py")
    yield who.may("fetches tools", "s3:GetObject", tool)
    yield who.may_not("fetches the tools of others", "s3:GetObject", s3("acme-tools2/0a/report.py"))
    for verb in ("DeleteObject", "DeleteObjectVersion", "PutObject", "PutObjectAcl"):
        yield who.may_not("changes tools", f"s3:{verb}", tool)
    for verb in ("DeleteBucket", "GetBucketLocation", "ListBucket", "ListBucketVersions", "PutBucketPolicy"):
        yield who.may_not("looks around among tools", f"s3:{verb}", s3("acme-tools"))


def _of_results(who: Who, team: str) -> Iterator[Decision]:
    bucket, other = s3("acme-results"), OTHERS[team]
    access = ["AbortMultipartUpload", "DeleteObject", "GetObject", "ListMultipartUploadParts", "PutObject"]
    for verb in access:
        yield who.may("keeps results", f"s3:{verb}", s3(f"acme-results/{team}/x.csv"))
        yield who.may_not("keeps results in another team's", f"s3:{verb}", s3(f"acme-results/{other}/x.csv"))
        yield who.may_not("keeps results beside its own", f"s3:{verb}", s3(f"acme-results/{team}-2/x.csv"))
    yield who.may("lists results", "s3:ListBucket", bucket, context=listing(f"{team}/"))
    yield who.may_not("lists another team's", "s3:ListBucket", bucket, context=listing(f"{other}/"))
    yield who.may_not("lists the like elsewhere", "s3:ListBucket", s3("elsewhere"), context=listing(f"{team}/"))
    yield who.may_not("lists all results", "s3:ListBucket", bucket)
    yield who.may_not("lists old ones", "s3:ListBucketVersions", bucket, context=listing(f"{team}/"))
    yield who.may_not("changes what is given", "s3:PutObjectAcl", s3(f"acme-results/{team}/x.csv"))
    for verb in ("GetBucketLocation", "ListBucketMultipartUploads"):
        yield who.may("asks for what Athena does", f"s3:{verb}", bucket)
    yield who.may_not("asks it of others", "s3:ListBucketMultipartUploads", s3("acme-data"))
    yield who.may_not("opens the bucket", "s3:PutBucketPolicy", bucket)


def listing(prefix: str) -> dict[str, Any]:
    """Return the context of a request for the objects below this prefix."""
    return {"s3:prefix": prefix}


def _of_queries(who: Who, team: str) -> Iterator[Decision]:
    verbs = ["BatchGetQueryExecution", "GetQueryExecution", "GetQueryResults", "GetQueryResultsStream", "GetWorkGroup"]
    for verb in [*verbs, "ListQueryExecutions", "StartQueryExecution", "StopQueryExecution"]:
        yield who.may("queries in its workgroup", f"athena:{verb}", Thing(f"{ATHENA}datalab-{team}"))
        for other in (f"datalab-{OTHERS[team]}", f"datalab-{team}2", "primary"):
            yield who.may_not(f"queries in {other}", f"athena:{verb}", Thing(ATHENA + other))
    for verb in ("UpdateWorkGroup", "DeleteWorkGroup", "CreateWorkGroup"):
        yield who.may_not("changes its workgroup and its limit", f"athena:{verb}", Thing(f"{ATHENA}datalab-{team}"))

    own, other = DATABASES[team], DATABASES[OTHERS[team]]
    tables = ["BatchGetPartition", "GetPartition", "GetPartitions", "GetTable", "GetTables"]
    for thing in ("catalog", f"database/{own}", f"table/{own}/x"):
        for verb in tables if thing.startswith("table") else ["GetTable", "GetDatabase"]:
            yield who.may(f"reads its {thing}", f"glue:{verb}", Thing(GLUE + thing))
    for thing in (f"database/{other}", f"database/{own}2", f"table/{other}/x", f"table/{own}2/x", "table/default/x"):
        yield who.may_not(f"reads {thing}", "glue:GetTable", Thing(GLUE + thing))
    yield who.may("looks at the database default", "glue:GetDatabase", Thing(f"{GLUE}database/default"))
    yield who.may_not("looks at another database", "glue:GetDatabase", Thing(f"{GLUE}database/{other}"))
    yield who.may_not("reads tables of default", "glue:GetTables", Thing(f"{GLUE}database/default"))
    for verb in ("CreateTable", "UpdateTable", "DeleteTable"):
        yield who.may_not("changes its tables", f"glue:{verb}", Thing(f"{GLUE}table/{own}/x"))


def of_the_viewer() -> Iterator[Decision]:
    """Yield the decisions about the viewer, which describes itself and writes its logs."""
    own = OWN["viewer"]
    for verb in ("DescribeNotebookInstance", "ListTags"):
        yield VIEWER.may("looks at itself", f"sagemaker:{verb}", own)
        yield VIEWER.may_not("looks at another", f"sagemaker:{verb}", OWN["alice"])
    yield VIEWER.may_not("lists tags of a model", "sagemaker:ListTags", Thing(f"{SAGEMAKER}model/x"))
    for verb in ("StopNotebookInstance", "StartNotebookInstance", "UpdateNotebookInstance"):
        yield VIEWER.may_not("changes itself", f"sagemaker:{verb}", own)
    yield VIEWER.must_not("changes its tags", "sagemaker:AddTags", own, context=keys("idle"))
    yield from _of_logs(VIEWER, "")
    yield from _of_files(VIEWER)
    yield VIEWER.may_not("writes the shared folder", "elasticfilesystem:ClientWrite", FILES)
    yield from _of_tools(VIEWER)
    yield VIEWER.may_not("writes somebody's log", "logs:PutLogEvents", stream("datalab-alice"))
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        for place in ("acme-data/shared/x", "acme-results/research/x", "acme-results/x"):
            yield VIEWER.may_not(f"reaches {place}", action, s3(place))
    yield VIEWER.may_not("lists results", "s3:ListBucket", s3("acme-results"), context=listing("research/"))
    yield VIEWER.may_not("queries", "athena:StartQueryExecution", Thing(f"{ATHENA}datalab-research"))
    yield VIEWER.may_not("reads a table", "glue:GetTable", Thing(f"{GLUE}table/research/x"))
