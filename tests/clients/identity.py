"""IAM and STS through boto3."""

import json

from world import allow

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}]}


def checks(check, world):
    iam, sts = world.client("iam"), world.client("sts")
    who = sts.get_caller_identity()
    check.has("get_caller_identity", who, "UserId", "Account", "Arn")
    check.equal("the root user", who["Arn"], f"arn:aws:iam::{world.account}:root")
    made = iam.create_user(UserName="ann", Path="/staff/", Tags=[{"Key": "team", "Value": "red + blue"}])["User"]
    check.has("create_user", made, "Path", "UserName", "UserId", "Arn", "CreateDate")
    check.equal("the path is in the ARN", made["Arn"], f"arn:aws:iam::{world.account}:user/staff/ann")
    got = iam.get_user(UserName="ann")["User"]
    check.equal("get_user finds her", got["UserId"], made["UserId"])
    check.equal("tags survive XML", got.get("Tags"), [{"Key": "team", "Value": "red + blue"}])
    rows = [
        ("a user that exists", "EntityAlreadyExists", iam.create_user, dict(UserName="ann"), 409),
        ("a user that does not", "NoSuchEntity", iam.get_user, dict(UserName="nobody"), 404),
        ("a role that does not exist", "NoSuchEntity", iam.get_role, dict(RoleName="nobody"), 404),
        ("a policy that is none", "MalformedPolicyDocument", iam.put_user_policy, dict(UserName="ann", PolicyName="p", PolicyDocument="{}"), 400),
        ("a group that does not exist", "NoSuchEntity", iam.get_group, dict(GroupName="nobody"), 404),
        ("instance profiles", "NotImplemented", iam.create_instance_profile, dict(InstanceProfileName="p"), 501),
    ]
    for name, code, call, arguments, status in rows:
        check.refused(name, code, call, status, **arguments)
    for number in range(5):
        iam.create_user(UserName=f"page-{number}")
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2}))
    check.that("list_users has pages", len(pages) >= 3)
    names = [user["UserName"] for page in pages for user in page["Users"]]
    check.that("all are found once", len(names) == len(set(names)) and {"ann", "page-4"} <= set(names))
    for number in range(5):
        iam.delete_user(UserName=f"page-{number}")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    check.has("create_access_key", key, "UserName", "AccessKeyId", "Status", "SecretAccessKey", "CreateDate")
    ann = (key["AccessKeyId"], key["SecretAccessKey"], None)
    check.equal("ann may ask who she is", world.client("sts", who=ann).get_caller_identity()["Arn"], made["Arn"])
    check.refused("ann may not list keys", "AccessDeniedException", world.client("kms", who=ann).list_keys, 400, "no identity-based policy allows the kms:ListKeys action")
    iam.put_user_policy(UserName="ann", PolicyName="keys", PolicyDocument=json.dumps(allow("kms:ListKeys", "sts:AssumeRole")))
    check.that("now she may", "Keys" in world.client("kms", world.home, who=ann).list_keys())
    check.refused("not more", "AccessDeniedException", world.client("kms", world.home, who=ann).create_key)
    roles(check, world, iam, ann)
    groups(check, world, iam, ann)
    versions(check, world, iam)
    simulations(check, world, iam)
    iam.update_access_key(UserName="ann", AccessKeyId=ann[0], Status="Inactive")
    check.refused("an inactive key", "InvalidClientTokenId", world.client("sts", world.home, who=ann).get_caller_identity, 403)
    iam.delete_access_key(UserName="ann", AccessKeyId=ann[0])
    check.refused("a user with policies stays", "DeleteConflict", iam.delete_user, 409, UserName="ann")
    iam.delete_user_policy(UserName="ann", PolicyName="keys")
    iam.delete_user(UserName="ann")
    check.refused("ann is gone", "NoSuchEntity", iam.get_user, UserName="ann")


def roles(check, world, iam, ann):
    role = iam.create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    check.has("create_role", role, "Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument")
    check.equal("the trust policy comes back as it was", role["AssumeRolePolicyDocument"], TRUST)
    iam.put_role_policy(RoleName="app", PolicyName="keys", PolicyDocument=json.dumps(allow("kms:*")))
    pages = iam.get_paginator("list_roles").paginate()
    check.that("list_roles finds it", "app" in [one["RoleName"] for page in pages for one in page["Roles"]])
    sts = world.client("sts", world.home, who=ann)
    taken = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="work", DurationSeconds=900)
    check.has("assume_role", taken, "Credentials", "AssumedRoleUser")
    check.has("its credentials", taken["Credentials"], "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    said = taken["Credentials"]
    session = (said["AccessKeyId"], said["SecretAccessKey"], said["SessionToken"])
    for region in ("us-east-1", "eu-west-1"):
        who = world.client("sts", region, who=session).get_caller_identity()
        check.equal(f"the session works in {region}", who["Arn"], f"arn:aws:sts::{world.account}:assumed-role/app/work")
    check.that("the session may make keys", "KeyMetadata" in world.client("kms", world.home, who=session).create_key())
    broken = (session[0], session[1], session[2][:-4] + "AAAA")
    check.refused("a changed token", "UnrecognizedClientException", world.client("kms", who=broken).list_keys)
    check.refused("a role that does not exist", "AccessDenied", sts.assume_role, 403, RoleArn=role["Arn"] + "x", RoleSessionName="work")
    check.refused("a session that is too long", "ValidationError", sts.assume_role, RoleArn=role["Arn"], RoleSessionName="work", DurationSeconds=40000)
    policy = iam.create_policy(PolicyName="readers", PolicyDocument=json.dumps(allow("s3:Get*")))["Policy"]
    check.has("create_policy", policy, "PolicyName", "PolicyId", "Arn")
    iam.attach_role_policy(RoleName="app", PolicyArn=policy["Arn"])
    iam.detach_role_policy(RoleName="app", PolicyArn=policy["Arn"])
    check.that("policies are attached and detached", True)


def groups(check, world, iam, ann):
    group = iam.create_group(GroupName="staff", Path="/team/")["Group"]
    check.has("create_group", group, "Path", "GroupName", "GroupId", "Arn", "CreateDate")
    iam.put_group_policy(GroupName="staff", PolicyName="names", PolicyDocument=json.dumps(allow("kms:ListAliases")))
    shown = iam.get_group_policy(GroupName="staff", PolicyName="names")
    check.equal("a group's policy comes back as it was", shown["PolicyDocument"], allow("kms:ListAliases"))
    kms = world.client("kms", world.home, who=ann)
    iam.add_user_to_group(GroupName="staff", UserName="ann")
    check.equal("ann is in it", [user["UserName"] for user in iam.get_group(GroupName="staff")["Users"]], ["ann"])
    check.equal("and knows it", [one["GroupName"] for one in iam.list_groups_for_user(UserName="ann")["Groups"]], ["staff"])
    check.that("the group lets her list aliases", "Aliases" in kms.list_aliases())
    check.refused("a group with users stays", "DeleteConflict", iam.delete_group, 409, GroupName="staff")
    iam.remove_user_from_group(GroupName="staff", UserName="ann")
    check.refused("outside she may not", "AccessDeniedException", kms.list_aliases)
    iam.delete_group_policy(GroupName="staff", PolicyName="names")
    iam.delete_group(GroupName="staff")
    check.equal("no group is left", iam.list_groups()["Groups"], [])


def versions(check, world, iam):
    arn = iam.create_policy(PolicyName="versioned", PolicyDocument=json.dumps(allow("s3:Get*")))["Policy"]["Arn"]
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(allow("s3:Put*")), SetAsDefault=True)["PolicyVersion"]
    check.has("create_policy_version", made, "VersionId", "IsDefaultVersion", "CreateDate")
    check.equal("the new one is in force", iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"], "v2")
    old = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    check.equal("the old one is kept", (old["Document"], old["IsDefaultVersion"]), (allow("s3:Get*"), False))
    check.refused("what is in force stays", "DeleteConflict", iam.delete_policy_version, 409, PolicyArn=arn, VersionId="v2")
    check.refused("a policy with versions stays", "DeleteConflict", iam.delete_policy, 409, PolicyArn=arn)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    check.equal("one is left", [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]], ["v1"])
    iam.delete_policy(PolicyArn=arn)
    check.refused("the policy is gone", "NoSuchEntity", iam.get_policy, 404, PolicyArn=arn)


def simulations(check, world, iam):
    asked = dict(ActionNames=["kms:Encrypt", "s3:GetObject"], PolicyInputList=[json.dumps(allow("kms:*"))])
    results = iam.simulate_custom_policy(**asked)["EvaluationResults"]
    check.equal("documents decide", [one["EvalDecision"] for one in results], ["allowed", "implicitDeny"])
    check.equal("and say which", results[0]["MatchedStatements"][0]["SourcePolicyId"], "PolicyInputList.1")
    source = f"arn:aws:iam::{world.account}:user/staff/ann"
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=source, ActionNames=["kms:ListKeys", "kms:CreateKey"], PaginationConfig={"PageSize": 1}
    )
    results = [one["EvalDecision"] for page in pages for one in page["EvaluationResults"]]
    check.equal("ann's policies decide", results, ["allowed", "implicitDeny"])
