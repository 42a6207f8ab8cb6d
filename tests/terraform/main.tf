# A person's instance and its lifecycle configuration, by Terraform's own provider.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {}
variable "instance_type" {}
variable "team" {}

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "sandbox"
  secret_key                  = "local-only"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_get_ec2_platforms      = true
  endpoints {
    iam       = var.endpoint
    sagemaker = var.endpoint
  }
}

resource "aws_iam_role" "notebooks" {
  name = "notebooks"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "sagemaker.amazonaws.com" } }]
  })
}

resource "aws_sagemaker_notebook_instance_lifecycle_configuration" "team" {
  name     = "team"
  on_start = base64encode("#!/bin/bash\necho ${var.team}\n")
}

resource "aws_sagemaker_notebook_instance" "alice" {
  name                  = "alice"
  role_arn              = aws_iam_role.notebooks.arn
  instance_type         = var.instance_type
  volume_size           = 20
  lifecycle_config_name = aws_sagemaker_notebook_instance_lifecycle_configuration.team.name
  root_access           = "Disabled"
  tags                  = { owner = "alice", team = var.team }
}
