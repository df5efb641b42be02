# Plans and applies the module against a pretended AWS: `terraform test` (Terraform >= 1.7, nothing is created, no credentials).

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_eip" {
    defaults = { public_ip = "203.0.113.99" }
  }
  mock_data "aws_secretsmanager_random_password" {
    defaults = { random_password = "abcdefghijklmnopqrstuvwxyz012345" }
  }
  mock_resource "aws_eip" {
    defaults = { public_ip = "198.51.100.7", id = "eipalloc-00000000000000009" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:asterisk-node-AbCdEf" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:alarms" }
  }
}

override_data {
  target = data.aws_subnet.member["node-a"]
  values = { availability_zone = "eu-central-1a" }
}

override_data {
  target = data.aws_subnet.member["node-b"]
  values = { availability_zone = "eu-central-1b" }
}

override_resource {
  target = aws_instance.node["node-a"]
  values = { id = "i-0aaaaaaaaaaaaaaaa", primary_network_interface_id = "eni-0aaaaaaaaaaaaaaaa" }
}

override_resource {
  target = aws_instance.node["node-b"]
  values = { id = "i-0bbbbbbbbbbbbbbbb", primary_network_interface_id = "eni-0bbbbbbbbbbbbbbbb" }
}

variables {
  cluster_id        = "demo"
  environment       = "test"
  vpc_id            = "vpc-0123456789abcdef0"
  image_id          = "ami-0123456789abcdef0"
  eip_allocation_id = "eipalloc-0123456789abcdef0"
  stasis_apps       = ["aicc", "queue"]
  sip_cidrs         = ["198.51.100.0/24"]
  rtp_cidrs         = ["198.51.100.0/24", "192.0.2.0/24"]
  nodes = {
    node-a = { subnet_id = "subnet-0aaaaaaaaaaaaaaa1", private_ip = "10.0.1.10", management_ip = "10.0.1.11" }
    node-b = { subnet_id = "subnet-0bbbbbbbbbbbbbbb2", private_ip = "10.0.2.10", management_ip = "10.0.2.11" }
  }
}

run "a_pair" {
  command = apply

  assert {
    condition     = alltrue([for node in values(aws_instance.node) : node.metadata_options[0].http_tokens == "required" && node.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "Instance metadata must ask for a token."
  }

  assert {
    condition     = alltrue([for node in values(aws_instance.node) : node.root_block_device[0].encrypted && node.disable_api_termination && node.monitoring])
    error_message = "Nodes must be encrypted, protected and monitored."
  }

  assert {
    condition     = aws_ec2_tag.peer_instances["node-a"].value == "node-b=i-0bbbbbbbbbbbbbbbb" && aws_ec2_tag.peer_instances["node-b"].value == "node-a=i-0aaaaaaaaaaaaaaaa"
    error_message = "Each node must be told its peer's instance, not its own."
  }

  assert {
    condition     = strcontains(local.node_user_data["node-a"], "PEERS=node-b=10.0.2.10:8090\n") && strcontains(local.node_user_data["node-a"], "AWS_LOCAL_ADDRESS=10.0.1.11\n")
    error_message = "Settings must name the peer and the node's own path to AWS."
  }

  assert {
    condition     = strcontains(local.node_user_data["node-a"], "STASIS_APPS=aicc,queue\n") && strcontains(local.node_user_data["node-a"], "ELASTIC_IP=203.0.113.99\n") && !strcontains(local.node_user_data["node-a"], "INCOMING_APP")
    error_message = "Settings must name the applications and the address; the first application gets the calls."
  }

  assert {
    condition     = !strcontains(local.node_user_data["node-a"], "abcdefghijklmnopqrstuvwxyz012345") && !strcontains(local.node_user_data["node-a"], base64encode("abcdefghijklmnopqrstuvwxyz012345"))
    error_message = "No secret in user data."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.sip) == 1 && length(aws_vpc_security_group_ingress_rule.probe_public) == 2 && length(aws_vpc_security_group_ingress_rule.heartbeat_node) == 1
    error_message = "SIP from callers by UDP, probes from both members' own addresses, heartbeats from the group itself."
  }

  assert {
    condition     = aws_eip_association.management["node-a"].private_ip_address == "10.0.1.11" && aws_eip_association.management["node-a"].network_interface_id == "eni-0aaaaaaaaaaaaaaaa"
    error_message = "The management address belongs on the second private address."
  }

  assert {
    condition     = length(output.alarm_names) == 36 && length(aws_cloudwatch_metric_alarm.cluster) == 2
    error_message = "15 alarms for each node, two of EC2 for each, two for the cluster."
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.alarms) == 36
    error_message = "The dashboard must show all alarms."
  }

  assert {
    condition     = length(jsondecode(aws_secretsmanager_secret_version.generated[0].secret_string)["heartbeat_keys"]["k1"]) == 44
    error_message = "A heartbeat key is base64 of 32 bytes."
  }

  assert {
    condition     = alltrue([for document in values(aws_ssm_document.this) : can(yamldecode(document.content).schemaVersion)])
    error_message = "Documents must be YAML after the placeholders are filled in."
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_role_policy.agent), values(aws_iam_role_policy.machine)) : !strcontains(policy.policy, "$${")])
    error_message = "No placeholder may be left in a policy."
  }
}

run "with_witness_tls_and_database" {
  command = apply

  override_data {
    target = data.aws_subnet.member["witness-c"]
    values = { availability_zone = "eu-central-1c" }
  }

  variables {
    witnesses                  = { witness-c = { subnet_id = "subnet-0ccccccccccccccc3", private_ip = "10.0.3.10" } }
    sip_tcp                    = true
    sip_tls                    = true
    sip_check_prefix_list_ids  = ["pl-0123456789abcdef0"]
    database_security_group_id = "sg-0123456789abcdef0"
    database_endpoint          = { host = "db.example.internal", port = 3307 }
    database_alarm             = { instance_identifier = "db", connections_max = 80 }
    settings                   = { TIMING = "cautious" }
  }

  assert {
    condition     = strcontains(local.node_user_data["node-b"], "WITNESSES=witness-c=10.0.3.10:8090\n") && strcontains(local.node_user_data["node-b"], "TIMING=cautious\n")
    error_message = "Nodes must know the witness and the settings."
  }

  assert {
    condition     = !strcontains(local.witness_user_data["witness-c"], "EIP_ALLOCATION_ID") && strcontains(local.witness_user_data["witness-c"], "PEERS=node-a=10.0.1.10:8090,node-b=10.0.2.10:8090\n")
    error_message = "A witness lists both nodes and needs no address."
  }

  assert {
    condition     = keys(jsondecode(aws_secretsmanager_secret_version.witness_generated[0].secret_string)) == ["heartbeat_keys"]
    error_message = "A witness gets the heartbeat keys and nothing else."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.sip) == 3 && length(aws_vpc_security_group_ingress_rule.probe_public) == 3 && length(aws_vpc_security_group_ingress_rule.heartbeat_node) == 2
    error_message = "UDP, TCP and TLS from callers; probes and heartbeats of the witness."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.node["witness-missing-node-a"].threshold == 1 && aws_cloudwatch_metric_alarm.database["database-connections"].threshold == 80
    error_message = "Thresholds that follow from the variables."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.database[0].from_port == 3307
    error_message = "The rule to the database must follow its port."
  }
}

run "with_endpoints" {
  command = apply

  variables {
    aws_path = "interface-endpoints"
    nodes = {
      node-a = { subnet_id = "subnet-0aaaaaaaaaaaaaaa1", private_ip = "10.0.1.10" }
      node-b = { subnet_id = "subnet-0bbbbbbbbbbbbbbb2", private_ip = "10.0.2.10" }
    }
  }

  assert {
    condition     = length(aws_vpc_endpoint.service) == 7 && length(aws_eip.management) == 0 && alltrue([for endpoint in values(aws_vpc_endpoint.service) : endpoint.private_dns_enabled])
    error_message = "Endpoints in place of management addresses."
  }

  assert {
    condition     = !strcontains(local.node_user_data["node-a"], "AWS_LOCAL_ADDRESS") && strcontains(local.node_user_data["node-a"], "REFERENCE_PUBLIC=checkip.amazonaws.com:443\n")
    error_message = "The public reference must stay public when EC2's name resolves to an endpoint."
  }
}

run "with_the_stasis_app" {
  command = apply

  variables {
    stasis_app           = { APP_TRUNK_LIMITS = "carrier=20/200,*=5/50" }
    stasis_app_api_cidrs = ["10.0.0.0/16"]
    call_event_topic     = "calls.fifo"
  }

  assert {
    condition     = join("\n", slice(local.stasis_app_lines["node-b"], 1, 5)) == "APP_LISTEN=10.0.2.10:8092\nAPP_SINK=sns\nAPP_SNS_TOPICS=*=arn:aws:sns:eu-central-1:123456789012:calls.fifo\nAPP_TRUNK_LIMITS=carrier=20/200,*=5/50"
    error_message = "The app must listen on its node's private address, send to the topic, and get the operator's settings."
  }

  assert {
    condition     = strcontains(local.node_user_data["node-a"], "\nAPP_LISTEN=10.0.1.10:8092\n") && aws_vpc_security_group_ingress_rule.stasis_app_api["10.0.0.0/16"].from_port == 8092
    error_message = "User data must carry the app's settings, and the API's port be open to whom it is for."
  }

  assert {
    condition     = length(output.alarm_names) == 40 && aws_cloudwatch_metric_alarm.node["events-waiting-node-a"].metric_name == "EventsOldest"
    error_message = "Two more alarms for each node."
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.stasis_app["node-a"].policy, "arn:aws:sns:eu-central-1:123456789012:calls.fifo") && strcontains(aws_iam_role_policy.stasis_app["node-a"].policy, aws_kms_key.this[0].arn)
    error_message = "The role may publish to the topic, and use its key."
  }
}

run "refuses_secrets_among_the_settings_of_the_stasis_app" {
  command = plan

  variables {
    stasis_app           = { APP_TOKEN = "typed" }
    stasis_app_api_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.stasis_app, var.stasis_app_api_cidrs]
}

run "refuses_two_nodes_in_one_zone" {
  command = plan

  override_data {
    target = data.aws_subnet.member["node-b"]
    values = { availability_zone = "eu-central-1a" }
  }

  expect_failures = [aws_instance.node]
}

run "refuses_a_management_path_without_addresses" {
  command = plan

  variables {
    nodes = {
      node-a = { subnet_id = "subnet-0aaaaaaaaaaaaaaa1", private_ip = "10.0.1.10" }
      node-b = { subnet_id = "subnet-0bbbbbbbbbbbbbbb2", private_ip = "10.0.2.10", management_ip = "10.0.2.11" }
    }
  }

  expect_failures = [aws_instance.node]
}

run "refuses_a_witness_beside_a_node" {
  command = plan

  override_data {
    target = data.aws_subnet.member["witness-c"]
    values = { availability_zone = "eu-central-1a" }
  }

  variables {
    witnesses = { witness-c = { subnet_id = "subnet-0ccccccccccccccc3", private_ip = "10.0.1.20" } }
  }

  expect_failures = [aws_instance.witness]
}

run "refuses_values_that_would_break_something" {
  command = plan

  variables {
    cluster_id        = "Demo!"
    eip_allocation_id = "203.0.113.99"
    image_id          = "latest"
    sip_cidrs         = ["everybody"]
    rtp_cidrs         = []
    aws_path          = "hope"
    alarms_off        = ["No Alarm"]
    alarm_emails      = ["nobody"]
    settings          = { ARI_PASSWORD = "typed" }
    stasis_apps       = []
    incoming_app      = "two words"
    tags              = { "has space" = "x" }
  }

  expect_failures = [
    var.cluster_id, var.eip_allocation_id, var.image_id, var.sip_cidrs, var.rtp_cidrs, var.aws_path, var.alarms_off, var.alarm_emails, var.settings, var.tags, var.stasis_apps, var.incoming_app,
  ]
}

run "refuses_to_turn_off_an_alarm_that_does_not_exist" {
  command = plan

  variables {
    alarms_off = ["no-such-alarm"]
  }

  expect_failures = [aws_sns_topic.alarms]
}

run "refuses_settings_that_smuggle_a_line" {
  command = plan

  variables {
    settings = { TIMING = "default\nEIP_ALLOCATION_ID=eipalloc-0" }
  }

  expect_failures = [var.settings]
}
