//! The guide's examples are calendar files, and the schema knows what the reader knows.

use serde_json::Value;

use super::super::schema::json_schema;
use super::shelf::usable;

const GUIDE: &str = include_str!("../../../docs/calendars.md");

const KEYS: [&str; 19] = [
    "code",
    "override",
    "name",
    "aliases",
    "timezone",
    "from",
    "to",
    "announced_to",
    "source",
    "extends",
    "all_of",
    "any_of",
    "hours",
    "closed",
    "closed_ad_hoc",
    "early_close",
    "late_open",
    "session",
    "extra",
];

#[test]
fn every_example_of_the_guide_is_a_calendar() {
    let examples: Vec<&str> =
        GUIDE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 6, "{} examples", examples.len());
    for example in examples {
        usable(&[("example.yaml", example)]);
    }
}

#[test]
fn every_key_is_in_the_guide_and_in_the_schema() {
    let schema = json_schema();
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), KEYS.len() + 1);
    for key in KEYS.iter().chain(&["reopened"]) {
        assert!(GUIDE.contains(&format!("`{key}`")), "{key} is not in the guide");
        assert!(properties.contains_key(*key), "{key} is not in the schema");
    }
    for shape in [properties, schema["$defs"]["RuleKeys"]["properties"].as_object().unwrap()] {
        for (key, property) in shape {
            assert!(property["description"].is_string(), "{key}: {property}");
        }
    }
    for word in ["nearest_weekday", "next_weekday", "previous_weekday", "orthodox_easter", "until", "unnamed"]
    {
        assert!(GUIDE.contains(word), "{word} is not in the guide");
    }
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
    let text = schema.to_string();
    for reference in text.split("\"$ref\":\"#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schema["$defs"].get(name).is_some(), "{name} is not defined");
    }
}
