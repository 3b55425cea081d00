#!/usr/bin/env python3
"""Writes proto/defs/aws/*.proto from the service models that botocore ships.

    python3 -m venv venv && venv/bin/pip install botocore==1.44.5
    venv/bin/python proto/tools/from_botocore.py

Names, required members, limits and allowed values are facts and come from the
models. Which operations and members the simulator has, what the members refer
to, and every sentence of documentation are ours and come from services.toml.
Field numbers of existing files are kept. No build runs this program.
"""

import pathlib
import re
import sys
import tomllib

import botocore.session
from botocore import xform_name

TOOLS = pathlib.Path(__file__).parent
DEFS = TOOLS.parent / "defs" / "aws"
SCALARS = {
    "string": "string", "blob": "bytes", "boolean": "bool", "integer": "int32",
    "long": "int64", "timestamp": "int64", "double": "double", "float": "double",
}
PROTOCOLS = {"json1.0": "JSON10", "json1.1": "JSON11", "query": "QUERY", "ec2": "EC2_QUERY", "rest-xml": "REST_XML"}
PLACES = {"uri": "LABEL", "querystring": "PARAMETER", "header": "HEADER", "headers": "HEADERS"}
MARKS = ("sensitive", "emit_empty", "idempotency_token", "policy_document", "body")


def camel(name):
    """SSEDescription -> SseDescription, as prost would spell it anyway."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)).split("_")
    return "".join(word[:1].upper() + word[1:].lower() for word in words)


def pascal(snake):
    return "".join(word[:1].upper() + word[1:] for word in snake.split("_"))


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(value):
    """A value in protobuf's text format."""
    if value is True:
        return "true"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + " }"
    return value if isinstance(value, Bare) else quoted(value)


class Bare(str):
    """An enum value: not quoted."""


class Service:
    def __init__(self, prefix, data, common):
        self.prefix, self.data, self.common = prefix, data, common
        self.model = botocore.session.get_session().get_service_model(prefix)
        self.max_values = common["max_values"]
        self.messages = {}  # name -> text lines, in order of first use
        self.members = {}  # name -> AWS members
        self.numbers = {}  # name -> {field: number} of the file as it is
        self.asked = set()  # shapes that requests reach
        for name in data["operations"]:
            self.reach(self.model.operation_model(name).input_shape)
        self.read_numbers()

    def reach(self, shape):
        if shape is None or shape.name in self.asked:
            return
        self.asked.add(shape.name)
        inner = {"structure": lambda: shape.members.values(), "list": lambda: [shape.member], "map": lambda: [shape.value]}
        for one in inner.get(shape.type_name, lambda: [])():
            self.reach(one)

    def read_numbers(self):
        path = DEFS / f"{self.prefix}.proto"
        message = None
        for line in path.read_text().splitlines() if path.exists() else []:
            if found := re.match(r"message (\w+) \{", line):
                message = self.numbers.setdefault(found[1], {})
            elif found := re.match(r"\s+(?:optional |repeated )?[\w.<>, ]+ (\w+) = (\d+)", line):
                if message is not None:
                    message[found[1]] = int(found[2])

    # What services.toml says of a member: general first, special last.
    def curated(self, message, member):
        merged = {}
        for table in (self.common.get("members", {}), self.data.get("members", {})):
            for key in (f"*.{member}", f"{message}.{member}"):
                merged.update(table.get(key, {}))
        return merged

    def kept(self, message, members):
        if keep := self.data.get("keep", {}).get(message):
            missing = [name for name in keep if name not in members]
            assert not missing, f"{self.prefix} {message}: the model has no {missing}"
            return [name for name in members if name in keep]
        gone = set(self.data.get("drop", {}).get("*", [])) | set(self.data.get("drop", {}).get(message, []))
        return [name for name in members if name not in gone]

    def limits(self, shape, curated):
        """Limits of a value of this shape."""
        out, meta = {}, shape.metadata
        if shape.type_name in ("string", "blob", "list", "map"):
            if meta.get("min"):
                out["min_length"] = int(meta["min"])
            if "max" in meta:
                out["max_length"] = int(meta["max"])
        elif shape.type_name in ("integer", "long"):
            for key in ("min", "max"):
                if key in meta:
                    out[key] = int(meta[key])
        if "pattern" in meta and shape.type_name == "string" and not curated.get("any_value"):
            out["pattern"] = meta["pattern"]
        values = meta.get("enum", [])
        if values and len(values) <= self.max_values and not curated.get("any_value"):
            out["values"] = list(values)
        if shape.type_name == "timestamp":
            out["timestamp"] = True
        if meta.get("sensitive"):
            out["sensitive"] = True
        return out

    def options(self, shape, curated, required, aws, snake):
        out = {}
        if required:
            out["required"] = True
        if pascal(snake) != aws:
            out["aws_name"] = aws
        out.update(self.limits(shape, curated))
        inner = self.limits(shape.member, curated) if shape.type_name == "list" else \
            self.limits(shape.value, curated) if shape.type_name == "map" else {}
        if shape.type_name == "map" and (key := self.limits(shape.key, curated)):
            out["key"] = key
        target = inner if shape.type_name in ("list", "map") else out
        if refers := curated.get("refers_to"):
            target["refers_to"] = Bare(refers.upper())
            if curated.get("form"):
                target["form"] = Bare(curated["form"].upper())
        for mark in MARKS:
            if mark in curated:
                out.pop(mark, None)
                if curated[mark]:
                    out[mark] = True
        if shape.metadata.get("idempotencyToken"):
            out["idempotency_token"] = True
        if wire := self.wire(aws, shape):
            out["wire"] = wire
        # Marks travel on members, timestamps of items on items.
        if inner:
            out["item"] = inner
        return out

    def wire(self, aws, shape):
        """Names and places in XML and query protocols, where they are not the usual."""
        said, out = shape.serialization, {}
        protocol = self.model.metadata["protocol"]
        if protocol not in ("ec2", "rest-xml", "query"):
            return out
        name = said.get("name", aws)
        query = said.get("queryName") or name[:1].upper() + name[1:]
        flattened = shape.type_name == "list" and said.get("flattened")
        if flattened and (item := shape.member.serialization.get("name")):
            # In a flattened list the item's name stands for the list's.
            name = item
        # EC2 answers in lower camel case and asks in upper.
        usual = aws[:1].lower() + aws[1:] if protocol == "ec2" else aws
        if name not in (aws, usual):
            out["name"] = name
        if protocol == "ec2" and query not in (aws, out.get("name", aws)[:1].upper() + out.get("name", aws)[1:]):
            out["query"] = query
        if place := said.get("location"):
            out["place"] = Bare(PLACES[place])
        if flattened:
            out["flattened"] = True
        if shape.type_name == "list" and not flattened:
            item = shape.member.serialization.get("name", "member")
            if item != ("item" if protocol == "ec2" else "member"):
                out["item"] = item
        return out

    def http(self, model):
        """`PUT /{Bucket}?versioning 200`."""
        said = model.http
        uri = said["requestUri"]
        # Required parameters and headers tell apart what the path does not.
        for name in model.input_shape.required_members if model.input_shape else []:
            wire = model.input_shape.members[name].serialization
            if wire.get("location") == "querystring":
                uri += ("&" if "?" in uri else "?") + wire.get("name", name)
        for name in model.input_shape.required_members if model.input_shape else []:
            wire = model.input_shape.members[name].serialization
            if wire.get("location") == "header":
                uri += "#" + wire.get("name", name).lower()
        return f"{said['method']} {uri} {said.get('responseCode', 200)}"

    def scalar_or_message(self, shape):
        if shape.type_name == "structure":
            return self.message(camel(shape.name), shape)
        if shape.type_name in ("list", "map"):
            return self.wrapper(camel(shape.name), shape)
        return SCALARS[shape.type_name]

    def wrapper(self, name, shape):
        """A list or map where proto wants a message."""
        if name in self.messages:
            return name
        lines = self.messages[name] = []
        lines += [f"message {name} {{", "  option (aws.structure) = { transparent: true };"]
        if shape.type_name == "list":
            item, field = self.limits(shape.member, {}), f"repeated {self.scalar_or_message(shape.member)}"
        else:
            item, field = self.limits(shape.value, {}), f"map<string, {self.scalar_or_message(shape.value)}>"
        option = f" [(aws.shape) = {literal({'item': item})}]" if item else ""
        lines += [f"  {field} items = 1{option};", "}"]
        return name

    def message(self, name, shape):
        if name in self.messages:
            return name
        lines = self.messages[name] = []
        members = shape.members if shape is not None else {}
        union = name in self.data.get("unions", [])
        doc = self.data.get("messages", {}).get(name)
        lines += [f"// {doc}"] if doc else []
        kept = self.kept(name, list(members))
        structure = {"union": True} if union else {}
        if shape is not None and shape.name in self.asked:
            harmless = set(self.data.get("harmless", []))
            if gone := [one for one in members if one not in kept and one not in harmless]:
                structure["not_built"] = gone
        if not kept and not structure:
            lines.append(f"message {name} {{}}")
            return name
        lines.append(f"message {name} {{")
        if structure:
            lines.append(f"  option (aws.structure) = {literal(structure)};")
        if union:
            lines.append("  oneof value {")
        numbers = self.numbers.get(name, {})
        self.members[name] = kept
        for member in kept:
            payload = shape.serialization.get("payload") == member
            self.field(lines, name, member, members[member], member in shape.required_members, union, numbers, payload)
        lines += ["  }", "}"] if union else ["}"]
        return name

    def field(self, lines, message, member, shape, required, union, numbers, payload):
        curated = self.curated(message, member)
        snake = curated.get("snake", xform_name(member))
        if "required" in curated:
            required = curated["required"]
        number = numbers.get(snake) or max(numbers.values(), default=0) + 1
        numbers[snake] = number
        options = self.options(shape, curated, required, member, snake)
        if payload:
            options.setdefault("wire", {})["place"] = Bare("PAYLOAD")
        pad = "    " if union else "  "
        if shape.type_name == "list" and not union:
            kind = f"repeated {self.scalar_or_message(shape.member)}"
        elif shape.type_name == "map" and not union:
            kind = f"map<string, {self.scalar_or_message(shape.value)}>"
        else:
            if union and shape.type_name in ("list", "map"):
                options.pop("item", None), options.pop("key", None)
            kind = ("" if union else "optional ") + self.scalar_or_message(shape)
        if doc := curated.get("doc"):
            lines.append(f"{pad}// {doc}")
        option = f" [(aws.shape) = {literal(options)}]" if options else ""
        lines.append(f"{pad}{kind} {snake} = {number}{option};")

    def rpc(self, name, curated):
        model = self.model.operation_model(name)
        request = self.message(f"{name}Request", model.input_shape)
        output = model.output_shape
        response = f"{name}Response"
        if output is not None and not re.match(rf"{name}(Response|Result|Output)$", output.name):
            response = camel(output.name)
        response = self.message(response, output)
        options = {}
        if model.error_shapes:
            options["errors"] = [shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes]
            options["errors"] += curated.get("errors", [])
        if action := curated.get("action"):
            options["action"] = action
        for key, option in (("read", "read_only"), ("data", "data_event")):
            if curated.get(key):
                options[option] = True
        if "verb" in curated:
            options["verb"] = curated["verb"]
        if self.model.metadata["protocol"] == "rest-xml":
            options["http"] = self.http(model)
        if root := curated.get("xml_root"):
            options["xml_root"] = root
        lines = [f"  // {curated['doc']}"]
        head = f"  rpc {name}({request}) returns ({response})"
        if not options:
            return lines + [f"{head};"]
        return lines + [f"{head} {{", f"    option (aws.operation) = {literal(options)};", "  }"]

    def text(self):
        meta = self.model.metadata
        protocol = meta["protocol"] + (meta["jsonVersion"] if meta["protocol"] == "json" else "")
        options = {"prefix": self.prefix, "principal": self.data["principal"], "protocol": Bare(PROTOCOLS[protocol])}
        if target := meta.get("targetPrefix"):
            options["target"] = target
        rest = meta["protocol"] == "rest-xml"
        gone = [name for name in self.model.operation_names if name not in self.data["operations"]]
        # EC2 has hundreds: there an unknown action may be one of them.
        if 0 < len(gone) < 300:
            options["not_built"] = [
                f"{name} {self.http(self.model.operation_model(name)).rsplit(' ', 1)[0]}" if rest else name for name in gone
            ]
        if namespace := self.data.get("xml_namespace"):
            options["xml_namespace"] = namespace
        if (signing := meta.get("signingName", meta["endpointPrefix"])) != self.prefix:
            options["signing_name"] = signing
        if (service := meta["serviceId"]).lower() != self.prefix:
            options["service_id"] = service
        lines = [
            'syntax = "proto3";',
            f"// Written by proto/tools/from_botocore.py from botocore's model of {meta['serviceFullName']} and services.toml.",
            f"package faultline.aws.{self.prefix}.v1;",
            "",
            'import "aws/shape.proto";',
            "",
            f"// {self.data['doc']}",
            f"service {self.data['name']} {{",
            f"  option (aws.service) = {literal(options)};",
        ]
        for name, curated in self.data["operations"].items():
            lines += [""] + self.rpc(name, curated)
        lines += ["}"]
        for message in self.messages.values():
            lines += [""] + message
        return "\n".join(lines) + "\n"


def names(service):
    """AWS CLI spellings, for a test: what our snake case must be."""
    for operation in service.data["operations"]:
        yield f"{service.prefix}.{operation} {service.prefix}.{xform_name(operation)}"
    for message, members in service.members.items():
        for member in members:
            yield f"{service.prefix}.{message}.{member} {xform_name(member)}"


def main():
    spelled = []
    data = tomllib.loads((TOOLS / "services.toml").read_text())
    for prefix, service in data["services"].items():
        service = Service(prefix, service, data)
        (DEFS / f"{prefix}.proto").write_text(service.text())
        spelled += names(service)
        print(f"wrote {prefix}.proto", file=sys.stderr)
    (TOOLS / "cli-names.txt").write_text("\n".join(sorted(spelled)) + "\n")


main()
