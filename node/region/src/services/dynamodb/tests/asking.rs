//! Calls in the spelling of scenarios, for tests about what operations answer.

use faultline_proto::Operation;
use faultline_proto::codec;
use prost::Message as _;

use super::*;

/// What a call answers, or code and message.
pub(super) fn ask<R: Operation>(
    world: &mut World,
    region: &str,
    arguments: &Json,
) -> Result<Json, (String, String)> {
    let root = world.root(ACCOUNT);
    ask_as::<R>(world, region, &root, arguments)
}

/// The same as somebody.
pub(super) fn ask_as<R: Operation>(
    world: &mut World,
    region: &str,
    who: &Credential,
    arguments: &Json,
) -> Result<Json, (String, String)> {
    let encoded = codec::from_snake(R::def().input, arguments).expect("the arguments fit");
    let request = R::decode(encoded.message.as_slice()).expect("a request");
    let answer = world
        .call(region, who, &request)
        .map_err(|failure| (failure.code, failure.message))?;
    let bytes = answer.encode_to_vec();
    Ok(codec::to_snake(R::def().output, &bytes, None).expect("an answer"))
}

/// The message of a ValidationException.
pub(super) fn invalid<R: Operation>(world: &mut World, arguments: &Json) -> String {
    let (code, message) = ask::<R>(world, HOME, arguments).expect_err("it must be refused");
    assert_eq!(code, "ValidationException", "{message}");
    message
}

/// A table `music` with sort key, a local and a global index, that is ready.
pub(super) fn music(world: &mut World) {
    let request = json!({
        "table_name": "music",
        "attribute_definitions": [
            { "attribute_name": "artist", "attribute_type": "S" },
            { "attribute_name": "song", "attribute_type": "S" },
            { "attribute_name": "year", "attribute_type": "N" },
            { "attribute_name": "genre", "attribute_type": "S" },
        ],
        "key_schema": [
            { "attribute_name": "artist", "key_type": "HASH" },
            { "attribute_name": "song", "key_type": "RANGE" },
        ],
        "local_secondary_indexes": [{
            "index_name": "by-year",
            "key_schema": [
                { "attribute_name": "artist", "key_type": "HASH" },
                { "attribute_name": "year", "key_type": "RANGE" },
            ],
            "projection": { "projection_type": "KEYS_ONLY" },
        }],
        "global_secondary_indexes": [{
            "index_name": "by-genre",
            "key_schema": [
                { "attribute_name": "genre", "key_type": "HASH" },
                { "attribute_name": "year", "key_type": "RANGE" },
            ],
            "projection": { "projection_type": "INCLUDE", "non_key_attributes": ["label"] },
        }],
        "billing_mode": "PAY_PER_REQUEST",
        "stream_specification": { "stream_enabled": true, "stream_view_type": "NEW_AND_OLD_IMAGES" },
    });
    ask::<CreateTableRequest>(world, HOME, &request).unwrap();
    world.advance(10);
}

/// Writes an item of `music`.
pub(super) fn song(world: &mut World, item: Json) {
    let request = json!({ "table_name": "music", "item": item });
    ask::<PutItemRequest>(world, HOME, &request).unwrap();
}

/// One attribute of all items of an answer.
pub(super) fn column(answer: &Json, name: &str) -> Vec<String> {
    let items = answer["items"].as_array().expect("items");
    let plain = |value: &Json| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    items.iter().map(|item| plain(&item[name])).collect()
}
