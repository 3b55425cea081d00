//! `sealed.query` and `sealed.scan`.

use faultline_sealed::attribute::from_attributes;
use faultline_sealed::{Find, Query};
use serde_json::{Value, json};

use super::Runner;
use super::ask::Said;
use super::problem::Trouble;
use super::sealed::{plain, refusal, told};
use super::verbs::Asked;

impl Runner<'_> {
    /// Both verbs: a query has a key condition.
    pub(super) async fn sealed_find(&self, asked: &Asked) -> Result<Said, Trouble> {
        let (client, table) = self.sealed_client(asked)?;
        let arguments = &asked.arguments;
        let text = |name: &str| arguments[name].as_str().map(str::to_owned);
        let names = arguments["expression_attribute_names"].as_object();
        let names = names.into_iter().flatten();
        // The codec reads items; the values of an expression are read as one.
        let values = json!({
            "table_name": table.name,
            "item": arguments.get("expression_attribute_values").unwrap_or(&json!({})),
        });
        let values = from_attributes(self.put_request(&values)?.item)
            .map_err(|error| self.own("InvalidArguments", error.to_string()))?;
        let find = Find {
            query: Query {
                key_condition: text("key_condition_expression"),
                filter: text("filter_expression"),
                names: names
                    .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                    .collect(),
                values,
            },
            index: text("index_name"),
            consistent: arguments["consistent_read"] == true,
        };
        let aws = self.aws(asked, Vec::new());
        let since = self.sim.now();
        let found = client.find(&aws, &table, &find).await;
        Ok(Said {
            result: found
                .map(|found| {
                    let items = found.items.into_iter();
                    let items: Vec<Value> = items
                        .map(|opened| json!({ "item": plain(opened.item) }))
                        .collect();
                    json!({ "count": items.len(), "given": found.given, "items": items })
                })
                .map_err(|error| refusal(&aws, &error)),
            call: told(&aws, &table.region, since),
        })
    }
}
