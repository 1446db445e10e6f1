function Get-Identity {
    # Account, Region and ID of this instance, from instance metadata (IMDSv2).
    $address = 'http://169.254.169.254/latest'
    $headers = @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '60' }
    $token = Invoke-RestMethod -Method 'Put' -Uri "$address/api/token" -Headers $headers -TimeoutSec 10
    $headers = @{ 'X-aws-ec2-metadata-token' = $token }
    Invoke-RestMethod -Uri "$address/dynamic/instance-identity/document" -Headers $headers -TimeoutSec 10
}

function Send-Metric {
    # Puts a metric of this instance, with the AWS Tools for PowerShell, which images of Amazon have.
    param([string] $Name, [double] $Value)
    if (-not (Get-Command -Name 'Write-CWMetricData' -ErrorAction SilentlyContinue)) {
        $module = @('AWS.Tools.CloudWatch', 'AWSPowerShell.NetCore', 'AWSPowerShell') |
            Where-Object { Get-Module -ListAvailable -Name $_ } | Select-Object -First 1
        if (-not $module) {
            throw 'The AWS Tools for PowerShell are not installed'
        }
        Import-Module -Name $module
    }
    $identity = Get-Identity
    $dimension = New-Object -TypeName 'Amazon.CloudWatch.Model.Dimension'
    $dimension.Name = 'InstanceId'
    $dimension.Value = $identity.instanceId
    $datum = New-Object -TypeName 'Amazon.CloudWatch.Model.MetricDatum'
    $datum.MetricName = $Name
    $datum.Value = $Value
    $datum.Timestamp = [datetime]::UtcNow
    # Version 5 of the tools leaves collections empty.
    $datum.Dimensions = [System.Collections.Generic.List[Amazon.CloudWatch.Model.Dimension]] @($dimension)
    Write-CWMetricData -Namespace '%NAMESPACE%' -MetricData $datum -Region $identity.region
}
