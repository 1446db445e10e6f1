function Get-Identity {
    # Account, Region and ID of this instance, from instance metadata (IMDSv2).
    $address = 'http://169.254.169.254/latest'
    $headers = @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '60' }
    $token = Invoke-RestMethod -Method 'Put' -Uri "$address/api/token" -Headers $headers -TimeoutSec 10
    $headers = @{ 'X-aws-ec2-metadata-token' = $token }
    Invoke-RestMethod -Uri "$address/dynamic/instance-identity/document" -Headers $headers -TimeoutSec 10
}

function Import-AwsTool {
    # Makes a command of the AWS Tools for PowerShell available, which images of Amazon have.
    param([string] $Command, [string] $Module)
    if (Get-Command -Name $Command -ErrorAction SilentlyContinue) {
        return
    }
    $found = @($Module, 'AWSPowerShell.NetCore', 'AWSPowerShell') |
        Where-Object { Get-Module -ListAvailable -Name $_ } | Select-Object -First 1
    if (-not $found) {
        throw 'The AWS Tools for PowerShell are not installed'
    }
    Import-Module -Name $found
}
