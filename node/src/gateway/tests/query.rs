//! IAM, STS and EC2.

use super::*;

fn form(body: &str) -> Request<Full<Bytes>> {
    let headers = [(
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    )];
    Client::request("POST", "/", &headers, body.as_bytes())
}

#[test]
fn iam_and_sts_answer_in_xml() {
    with_gateway(Limits::default(), async |client| {
        let got = client
            .signed("iam", form("Action=CreateUser&Version=2010-05-08&UserName=ann&Tags.member.1.Key=team&Tags.member.1.Value=red+blue"))
            .await;
        assert_eq!(got.status, 200, "{got:?}");
        assert!(got.body.starts_with("<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateUserResult><User>"), "{got:?}");
        assert!(
            got.body.contains("<UserName>ann</UserName>")
                && got.body.contains("<ResponseMetadata><RequestId>")
        );
        let got = client
            .signed(
                "iam",
                form("Action=GetUser&Version=2010-05-08&UserName=bob"),
            )
            .await;
        assert_eq!(got.status, 404, "{got:?}");
        assert!(
            got.body
                .contains("<Type>Sender</Type><Code>NoSuchEntity</Code>"),
            "{got:?}"
        );
        let got = client
            .signed("sts", form("Action=GetCallerIdentity&Version=2011-06-15"))
            .await;
        assert!(
            got.body.contains("<Account>111111111111</Account>"),
            "{got:?}"
        );
        let get = Client::request(
            "GET",
            "/?Action=GetCallerIdentity&Version=2011-06-15",
            &[],
            b"",
        );
        let got = client.signed("sts", get).await;
        assert!(got.body.contains("<GetCallerIdentityResult>"), "{got:?}");
    });
}

#[test]
fn the_query_protocol_has_its_own_words() {
    with_gateway(Limits::default(), async |client| {
        let got = client
            .send(form("Action=GetCallerIdentity&Version=2011-06-15"))
            .await;
        assert_eq!(got.status, 403);
        assert!(
            got.body.contains("<Code>MissingAuthenticationToken</Code>"),
            "{got:?}"
        );
        let mut unknown = client.signer("sts");
        unknown.access_key = "AKIANOBODYNOBODYNOBO".into();
        let got = client
            .signed_by(
                &unknown,
                client.now(),
                form("Action=GetCallerIdentity&Version=2011-06-15"),
            )
            .await;
        assert_eq!(got.status, 403);
        assert!(
            got.body.contains("<Code>InvalidClientTokenId</Code>"),
            "{got:?}"
        );
        let mut wrong = client.signer("iam");
        wrong.secret_access_key = "wrong".into();
        let got = client
            .signed_by(
                &wrong,
                client.now(),
                form("Action=ListUsers&Version=2010-05-08"),
            )
            .await;
        assert!(
            got.body.contains("<Code>SignatureDoesNotMatch</Code>"),
            "{got:?}"
        );
        let got = client
            .signed("iam", form("Action=Nonsense&Version=2010-05-08"))
            .await;
        assert!(got.body.contains("<Code>InvalidAction</Code>"), "{got:?}");
        let got = client
            .signed(
                "iam",
                form("Action=UpdateGroup&Version=2010-05-08&GroupName=g"),
            )
            .await;
        assert_eq!(got.status, 501, "{got:?}");
    });
}

#[test]
fn ec2_has_flat_lists_and_its_own_errors() {
    with_gateway(Limits::default(), async |client| {
        let ask = "Action=CreateVolume&Version=2016-11-15&AvailabilityZone=eu-west-1a&Size=1&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b&ClientToken=x";
        let got = client.signed("ec2", form(ask)).await;
        assert_eq!(got.status, 200, "{got:?}");
        assert!(
            got.body.contains("<requestId>") && got.body.contains("<volumeId>vol-"),
            "{got:?}"
        );
        assert!(
            got.body
                .contains("<tagSet><item><key>a</key><value>b</value></item></tagSet>"),
            "{got:?}"
        );
        let got = client
            .signed(
                "ec2",
                form("Action=DescribeVolumes&Version=2016-11-15&VolumeId.1=vol-00000000000000000"),
            )
            .await;
        assert_eq!(got.status, 400, "{got:?}");
        assert!(
            got.body
                .contains("<Response><Errors><Error><Code>InvalidVolume.NotFound</Code>"),
            "{got:?}"
        );
        let mut unknown = client.signer("ec2");
        unknown.access_key = "AKIANOBODYNOBODYNOBO".into();
        let got = client
            .signed_by(
                &unknown,
                client.now(),
                form("Action=DescribeVolumes&Version=2016-11-15"),
            )
            .await;
        assert_eq!(got.status, 401);
        assert!(got.body.contains("<Code>AuthFailure</Code>"), "{got:?}");
    });
}
