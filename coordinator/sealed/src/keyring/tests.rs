//! What is tried for what, and what writes.

use super::*;

const MRK_WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";
const MRK_EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
const OTHER_MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-9999";
const SINGLE_WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaa";
const SINGLE_EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/aaaa";

fn key(arn: &str) -> KeyArn {
    arn.parse().unwrap()
}

fn wrapped_by(arns: &[&str]) -> Vec<EncryptedDataKey> {
    let by = |arn: &&str| EncryptedDataKey {
        provider_id: PROVIDER.to_owned(),
        provider_info: (*arn).to_owned(),
        ciphertext: vec![],
    };
    arns.iter().map(by).collect()
}

fn tries(keyring: &Keyring, arns: &[&str]) -> Vec<(u32, String)> {
    match keyring.attempts(&wrapped_by(arns), &EncryptionContext::default()) {
        Ok(attempts) => attempts
            .into_iter()
            .map(|a| match a.with {
                Unwrapper::Kms(key) => (a.data_key, key.to_string()),
                Unwrapper::Branch(_) => panic!("no branch key here"),
            })
            .collect(),
        Err(error) => {
            assert_eq!(error.code(), "NoMatchingKey");
            Vec::new()
        }
    }
}

#[test]
fn cse_026_cse_027_what_matches_what() {
    let west = Keyring::KmsMrk(key(MRK_WEST));
    assert_eq!(tries(&west, &[MRK_WEST]), [(0, MRK_WEST.to_owned())]);
    assert_eq!(
        tries(&west, &[OTHER_MRK, MRK_EAST]),
        [(1, MRK_WEST.to_owned())]
    );
    assert_eq!(tries(&west, &[OTHER_MRK, SINGLE_WEST]), []);
    assert_eq!(tries(&Keyring::Kms(key(MRK_WEST)), &[MRK_EAST]), []);
    assert_eq!(
        tries(&Keyring::KmsMrk(key(SINGLE_WEST)), &[SINGLE_EAST]),
        []
    );
    assert_eq!(
        tries(&Keyring::Kms(key(SINGLE_WEST)), &[SINGLE_EAST, SINGLE_WEST]),
        [(1, SINGLE_WEST.to_owned())]
    );
}

#[test]
fn cse_028_discovery_moves_multi_region_keys_and_only_those() {
    let east = Keyring::MrkDiscovery {
        region: RegionName::new("us-east-1").unwrap(),
        accounts: BTreeSet::new(),
    };
    assert_eq!(
        tries(&east, &[MRK_WEST, SINGLE_WEST, SINGLE_EAST]),
        [(0, MRK_EAST.to_owned()), (2, SINGLE_EAST.to_owned())]
    );
    assert!(east.writers().is_err());
    let elsewhere = Keyring::MrkDiscovery {
        region: RegionName::new("us-east-1").unwrap(),
        accounts: [AccountId::new("999999999999").unwrap()].into(),
    };
    assert_eq!(tries(&elsewhere, &[MRK_WEST]), []);
}

#[test]
fn cse_029_the_generator_is_tried_first_and_any_child_may_open() {
    let multi = Keyring::mrk_multi(key(MRK_WEST), vec![key(SINGLE_EAST)]).unwrap();
    assert_eq!(
        multi.writers().unwrap(),
        [Writer::Kms(&key(MRK_WEST)), Writer::Kms(&key(SINGLE_EAST))]
    );
    assert_eq!(
        tries(&multi, &[SINGLE_EAST, MRK_EAST]),
        [(1, MRK_WEST.to_owned()), (0, SINGLE_EAST.to_owned())]
    );
    assert!(Keyring::mrk_multi(key(MRK_WEST), vec![key(MRK_EAST)]).is_err());
}

#[test]
fn cse_043_nothing_to_try_is_said_in_the_sdks_words() {
    let error = Keyring::Kms(key(SINGLE_WEST))
        .attempts(&wrapped_by(&[SINGLE_EAST]), &EncryptionContext::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "Unable to decrypt data key: No Encrypted Data Keys found to match. \
             Expected: KeyProviderId: aws-kms, KeyProviderInfo: {SINGLE_EAST}"
        )
    );
}

#[test]
fn what_is_no_key_arn_is_refused() {
    for bad in [
        "mrk-1234",
        "arn:aws:kms:eu-west-1:111122223333:alias/x",
        "arn:aws:s3:eu-west-1:111122223333:key/x",
        "arn:aws:kms::111122223333:key/x",
        "arn:aws:kms:eu-west-1:111122223333:key/",
    ] {
        assert!(bad.parse::<KeyArn>().is_err(), "{bad}");
    }
    let error = Keyring::Kms(key(SINGLE_WEST))
        .attempts(&wrapped_by(&["nonsense"]), &EncryptionContext::default())
        .unwrap_err();
    assert_eq!(error.code(), "InvalidHeader");
}
